-- CreateTable
CREATE TABLE "session_numbers" (
    "number" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "session_id" TEXT NOT NULL,
    CONSTRAINT "session_numbers_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE UNIQUE INDEX "session_numbers_session_id_key" ON "session_numbers"("session_id");

-- The index of what was said: the text of each final segment. Its row id is made of the number of the session and the sequence
-- of the segment, sequence - number * 2^31, for three reasons. It is a key that VACUUM does not change, as it may change those of
-- tables whose primary key is no integer. Ascending, it is the order in which hits are listed: the session that was started
-- last is first, and each is in order; so a page of hits is read from the index as it stands, however many there are. And the
-- finals of a batch come in this order, which saves the index from being flushed between them.
-- Beginnings of two and three letters have an index of their own, since collecting the words that begin so would mean reading
-- all of their hits; longer beginnings are of few words.
CREATE VIRTUAL TABLE "segment_search" USING fts5("text", tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');

INSERT INTO "session_numbers" ("session_id") SELECT "id" FROM "sessions" ORDER BY "created_at", "id";

INSERT INTO "segment_search" ("rowid", "text")
SELECT g."sequence" - n."number" * 2147483648, g."text"
FROM "session_numbers" n CROSS JOIN "segments" g
WHERE g."session_id" = n."session_id" AND g."sequence" > 0
ORDER BY n."number" DESC, g."sequence";

-- A rebuild of the tables "sessions" or "segments" drops these with the old table: make them again behind it.
CREATE TRIGGER "sessions_are_numbered" AFTER INSERT ON "sessions" BEGIN
  INSERT INTO "session_numbers" ("session_id") VALUES (NEW."id");
END;

-- Before the number goes with the session, by which its segments are found in the index.
CREATE TRIGGER "sessions_leave_search" BEFORE DELETE ON "sessions" BEGIN
  DELETE FROM "segments" WHERE "session_id" = OLD."id";
END;

CREATE TRIGGER "segments_enter_search" AFTER INSERT ON "segments" WHEN NEW."sequence" IS NOT NULL BEGIN
  INSERT INTO "segment_search" ("rowid", "text")
  SELECT NEW."sequence" - "number" * 2147483648, NEW."text" FROM "session_numbers" WHERE "session_id" = NEW."session_id";
END;

CREATE TRIGGER "segments_leave_search" AFTER DELETE ON "segments" WHEN OLD."sequence" IS NOT NULL BEGIN
  DELETE FROM "segment_search" WHERE "rowid" =
    (SELECT OLD."sequence" - "number" * 2147483648 FROM "session_numbers" WHERE "session_id" = OLD."session_id");
END;

CREATE TRIGGER "segments_change_in_search" AFTER UPDATE OF "text", "sequence", "session_id" ON "segments"
WHEN OLD."text" IS NOT NEW."text" OR OLD."sequence" IS NOT NEW."sequence" OR OLD."session_id" IS NOT NEW."session_id" BEGIN
  DELETE FROM "segment_search" WHERE "rowid" =
    (SELECT OLD."sequence" - "number" * 2147483648 FROM "session_numbers" WHERE "session_id" = OLD."session_id");
  INSERT INTO "segment_search" ("rowid", "text")
  SELECT NEW."sequence" - "number" * 2147483648, NEW."text" FROM "session_numbers"
  WHERE "session_id" = NEW."session_id" AND NEW."sequence" IS NOT NULL;
END;
