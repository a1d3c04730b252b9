-- DropIndex
DROP INDEX "sessions_status_created_at_idx";

-- DropIndex
DROP INDEX "sessions_created_at_id_idx";

-- CreateIndex
CREATE INDEX "sessions_status_created_at_id_idx" ON "sessions"("status", "created_at", "id");

-- CreateIndex
CREATE INDEX "sessions_title_id_idx" ON "sessions"("title", "id");

-- CreateIndex
CREATE INDEX "sessions_total_duration_id_idx" ON "sessions"("total_duration", "id");

-- CreateIndex
CREATE INDEX "sessions_total_segments_id_idx" ON "sessions"("total_segments", "id");

-- CreateIndex
CREATE INDEX "sessions_average_confidence_id_idx" ON "sessions"("average_confidence", "id");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_created_at_id_key" ON "sessions"("created_at", "id");
