BEGIN TRANSACTION;
CREATE TABLE copies (
    owner TEXT NOT NULL, mail INTEGER NOT NULL REFERENCES mails (mail), read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, mail)) WITHOUT ROWID;
INSERT INTO "copies" VALUES('test_user',1,0);
CREATE TABLE inboxes (owner TEXT PRIMARY KEY, mails INTEGER NOT NULL, unread INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "inboxes" VALUES('test_user',1,1);
CREATE TABLE mails (
    mail INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, at INTEGER NOT NULL, answers INTEGER);
INSERT INTO "mails" VALUES(1,'Foo_User','["Test_User"]','chess','Tuesday?',1795100000000,NULL);
CREATE TABLE sent (
    sender TEXT NOT NULL, stream TEXT NOT NULL, id TEXT NOT NULL, mail INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (sender, stream, id)) WITHOUT ROWID;
INSERT INTO "sent" VALUES('foo_user','stream-of-v1-0001','m1',1,1795100000000);
CREATE INDEX copies_by_mail ON copies (mail);
CREATE INDEX sent_by_time ON sent (at);
CREATE TRIGGER came AFTER INSERT ON copies BEGIN INSERT INTO inboxes VALUES (new.owner, 1, 1 - new.read)
    ON CONFLICT DO UPDATE SET mails = mails + 1, unread = unread + 1 - new.read; END;
CREATE TRIGGER went AFTER DELETE ON copies BEGIN
    UPDATE inboxes SET mails = mails - 1, unread = unread - 1 + old.read WHERE owner = old.owner; END;
CREATE TRIGGER was_read AFTER UPDATE OF read ON copies BEGIN
    UPDATE inboxes SET unread = unread + old.read - new.read WHERE owner = new.owner; END;
COMMIT;
PRAGMA user_version = 1;
