"""The schema of `mail.sqlite3`, in steps that are never changed once they were released.

A mail is one row of `mails`, and one of `copies` for each person who has it: its sender and its recipients. Counts
are kept by triggers, so that a folder of ten thousand costs no more than one of ten. `words` is the index of searches
over `mails`. `orphans` are mails that nobody has any more, whose texts are removed a few at a time.
"""

from typing import Final

from lobby.directs import SCHEMA as DIRECTS

_FIRST: Final = """
CREATE TABLE mails (
    mail INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, at INTEGER NOT NULL, answers INTEGER);
CREATE TABLE copies (
    owner TEXT NOT NULL, mail INTEGER NOT NULL REFERENCES mails (mail), read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, mail)) WITHOUT ROWID;
CREATE INDEX copies_by_mail ON copies (mail);
CREATE TABLE inboxes (owner TEXT PRIMARY KEY, mails INTEGER NOT NULL, unread INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sent (
    sender TEXT NOT NULL, stream TEXT NOT NULL, id TEXT NOT NULL, mail INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (sender, stream, id)) WITHOUT ROWID;
CREATE INDEX sent_by_time ON sent (at);
CREATE TRIGGER came AFTER INSERT ON copies BEGIN INSERT INTO inboxes VALUES (new.owner, 1, 1 - new.read)
    ON CONFLICT DO UPDATE SET mails = mails + 1, unread = unread + 1 - new.read; END;
CREATE TRIGGER went AFTER DELETE ON copies BEGIN
    UPDATE inboxes SET mails = mails - 1, unread = unread - 1 + old.read WHERE owner = old.owner; END;
CREATE TRIGGER was_read AFTER UPDATE OF read ON copies BEGIN
    UPDATE inboxes SET unread = unread + old.read - new.read WHERE owner = new.owner; END;
"""

# `home` is the folder a copy is of (inbox, sent, drafts), `was` the one it was in before the trash, `since` when it
# came into the one it is in. `thread` is the number of the first mail of its thread. `keeper` has put a mail from
# elsewhere into their mailbox: nobody else has it, and it may name whomever.
_FOLDERS: Final = """
DROP TRIGGER came;
DROP TRIGGER went;
DROP TRIGGER was_read;
DROP TABLE inboxes;
ALTER TABLE copies ADD COLUMN folder TEXT NOT NULL DEFAULT 'inbox';
ALTER TABLE copies ADD COLUMN home TEXT NOT NULL DEFAULT 'inbox';
ALTER TABLE copies ADD COLUMN was TEXT NOT NULL DEFAULT 'inbox';
ALTER TABLE copies ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE copies ADD COLUMN starred INTEGER NOT NULL DEFAULT 0;
ALTER TABLE copies ADD COLUMN thread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE copies ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE copies SET size = (SELECT length(CAST(subject || body AS BLOB)) FROM mails WHERE mails.mail = copies.mail);
CREATE INDEX answered ON mails (answers);
WITH RECURSIVE tree (mail, thread) AS (
    SELECT mail, mail FROM mails WHERE answers IS NULL OR answers >= mail OR answers NOT IN (SELECT mail FROM mails)
    UNION ALL SELECT mails.mail, thread FROM tree JOIN mails ON mails.answers = tree.mail AND mails.mail > tree.mail)
    UPDATE copies SET thread = tree.thread FROM tree WHERE tree.mail = copies.mail;
DROP INDEX answered;
CREATE INDEX copies_by_folder ON copies (owner, folder, mail);
CREATE INDEX copies_by_thread ON copies (owner, thread, mail);
CREATE INDEX copies_starred ON copies (owner, mail) WHERE starred;
CREATE INDEX copies_in_trash ON copies (since, owner, mail) WHERE folder = 'trash';
CREATE INDEX mails_by_time ON mails (at);
ALTER TABLE mails ADD COLUMN keeper TEXT NOT NULL DEFAULT '';
CREATE TABLE orphans (mail INTEGER PRIMARY KEY);
CREATE TABLE folders (
    owner TEXT NOT NULL, folder TEXT NOT NULL, mails INTEGER NOT NULL, unread INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (owner, folder)) WITHOUT ROWID;
INSERT INTO folders SELECT owner, folder, count(*), sum(1 - read), sum(size) FROM copies GROUP BY owner, folder;
CREATE TRIGGER came AFTER INSERT ON copies BEGIN
    INSERT INTO folders VALUES (new.owner, new.folder, 1, 1 - new.read, new.size) ON CONFLICT DO UPDATE
    SET mails = mails + 1, unread = unread + 1 - new.read, bytes = bytes + new.size; END;
CREATE TRIGGER went AFTER DELETE ON copies BEGIN
    UPDATE folders SET mails = mails - 1, unread = unread - 1 + old.read, bytes = bytes - old.size
    WHERE owner = old.owner AND folder = old.folder; \
    INSERT OR IGNORE INTO orphans SELECT old.mail WHERE NOT EXISTS (SELECT 1 FROM copies WHERE mail = old.mail); END;
CREATE TRIGGER changed AFTER UPDATE OF read, folder, size ON copies BEGIN
    UPDATE folders SET mails = mails - 1, unread = unread - 1 + old.read, bytes = bytes - old.size
    WHERE owner = old.owner AND folder = old.folder; \
    INSERT INTO folders VALUES (new.owner, new.folder, 1, 1 - new.read, new.size) ON CONFLICT DO UPDATE
    SET mails = mails + 1, unread = unread + 1 - new.read, bytes = bytes + new.size; END;
CREATE VIRTUAL TABLE words USING fts5 (sender, recipients, keeper, subject, body, content='mails', content_rowid='mail',
    tokenize='unicode61 remove_diacritics 2');
INSERT INTO words (words) VALUES ('rebuild');
CREATE TRIGGER indexed AFTER INSERT ON mails BEGIN INSERT INTO words (rowid, sender, recipients, keeper, subject, body)
    VALUES (new.mail, new.sender, new.recipients, new.keeper, new.subject, new.body); END;
CREATE TRIGGER unindexed AFTER DELETE ON mails BEGIN
    INSERT INTO words (words, rowid, sender, recipients, keeper, subject, body)
    VALUES ('delete', old.mail, old.sender, old.recipients, old.keeper, old.subject, old.body); END;
CREATE TRIGGER reindexed AFTER UPDATE ON mails BEGIN
    INSERT INTO words (words, rowid, sender, recipients, keeper, subject, body)
    VALUES ('delete', old.mail, old.sender, old.recipients, old.keeper, old.subject, old.body); \
    INSERT INTO words (rowid, sender, recipients, keeper, subject, body)
    VALUES (new.mail, new.sender, new.recipients, new.keeper, new.subject, new.body); END;
"""

STEPS: Final = (_FIRST, DIRECTS, _FOLDERS)
