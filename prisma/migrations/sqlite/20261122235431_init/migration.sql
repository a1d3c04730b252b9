-- CreateTable
CREATE TABLE "segments" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "session_id" TEXT NOT NULL,
    "sequence" INTEGER,
    "revision" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "start_ms" INTEGER NOT NULL,
    "end_ms" INTEGER NOT NULL,
    "avg_confidence" REAL,
    "words" JSONB NOT NULL,
    "speaker" TEXT,
    "channel" INTEGER NOT NULL,
    "created_at" DATETIME NOT NULL,
    CONSTRAINT "segments_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "external_id" TEXT,
    "title" TEXT,
    "status" TEXT NOT NULL,
    "end_reason" TEXT,
    "language" TEXT NOT NULL,
    "audio_encoding" TEXT NOT NULL,
    "sample_rate" INTEGER NOT NULL,
    "channels" INTEGER NOT NULL,
    "metadata" JSONB,
    "created_at" DATETIME NOT NULL,
    "ended_at" DATETIME,
    "next_sequence" INTEGER NOT NULL DEFAULT 0,
    "journal_position" BIGINT NOT NULL DEFAULT 0,
    "total_segments" INTEGER NOT NULL DEFAULT 0,
    "average_confidence" REAL,
    "confidence_count" INTEGER NOT NULL DEFAULT 0,
    "total_duration" REAL NOT NULL DEFAULT 0,
    "word_count" INTEGER NOT NULL DEFAULT 0,
    "speaking_duration" REAL NOT NULL DEFAULT 0,
    "received_ms" INTEGER NOT NULL DEFAULT 0,
    "transcribed_ms" INTEGER NOT NULL DEFAULT 0,
    "silence_ms" INTEGER NOT NULL DEFAULT 0,
    "gap_ms" INTEGER NOT NULL DEFAULT 0,
    "failed_ms" INTEGER NOT NULL DEFAULT 0
);

-- CreateIndex
CREATE INDEX "segments_session_id_start_ms_id_idx" ON "segments"("session_id", "start_ms", "id");

-- CreateIndex
CREATE UNIQUE INDEX "segments_session_id_sequence_key" ON "segments"("session_id", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_external_id_key" ON "sessions"("external_id");

-- CreateIndex
CREATE INDEX "sessions_created_at_id_idx" ON "sessions"("created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "sessions_status_created_at_idx" ON "sessions"("status", "created_at");
