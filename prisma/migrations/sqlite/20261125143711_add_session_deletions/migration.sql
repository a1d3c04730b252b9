-- CreateTable
CREATE TABLE "session_deletions" (
    "session_id" TEXT NOT NULL PRIMARY KEY,
    "deleted_at" DATETIME NOT NULL
);
