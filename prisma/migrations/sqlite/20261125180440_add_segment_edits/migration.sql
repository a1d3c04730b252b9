-- AlterTable
ALTER TABLE "segments" ADD COLUMN "edited_at" DATETIME;
ALTER TABLE "segments" ADD COLUMN "original_text" TEXT;
ALTER TABLE "segments" ADD COLUMN "original_words" JSONB;
ALTER TABLE "segments" ADD COLUMN "own_speaker" TEXT;

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN "original_speakers" JSONB;

-- CreateTable
CREATE TABLE "segment_edits" (
    "segment_id" TEXT NOT NULL PRIMARY KEY,
    "session_id" TEXT NOT NULL,
    "text" TEXT,
    "words" JSONB,
    "speaker" TEXT,
    "revision" INTEGER NOT NULL,
    "edited_at" DATETIME NOT NULL,
    CONSTRAINT "segment_edits_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "segment_edits_session_id_idx" ON "segment_edits"("session_id");
