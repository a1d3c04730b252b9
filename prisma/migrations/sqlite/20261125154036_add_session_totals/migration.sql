-- CreateIndex
CREATE INDEX "sessions_totals_idx" ON "sessions"("created_at", "total_segments", "word_count", "received_ms", "speaking_duration", "average_confidence", "confidence_count");
