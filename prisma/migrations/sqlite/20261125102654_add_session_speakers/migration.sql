-- AlterTable
ALTER TABLE "sessions" ADD COLUMN "speakers" JSONB;
