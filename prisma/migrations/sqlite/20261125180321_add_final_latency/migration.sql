-- AlterTable
ALTER TABLE "sessions" ADD COLUMN "average_latency_ms" REAL;
ALTER TABLE "sessions" ADD COLUMN "latency_count" INTEGER NOT NULL DEFAULT 0;

-- The index of the totals again, with what they add up now.
DROP INDEX "sessions_totals_idx";
CREATE INDEX "sessions_totals_idx" ON "sessions"("created_at", "total_segments", "word_count", "received_ms", "speaking_duration", "average_confidence", "confidence_count", "average_latency_ms", "latency_count");
