-- AlterTable
ALTER TABLE "sessions" ADD COLUMN "recording_removed_at" DATETIME;

-- CreateIndex
CREATE INDEX "sessions_recording_removed_at_ended_at_id_idx" ON "sessions"("recording_removed_at", "ended_at", "id");
