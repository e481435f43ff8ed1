BEGIN TRANSACTION;
CREATE TABLE dropped (
  stream INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (stream, id)
) WITHOUT ROWID;
INSERT INTO "dropped" VALUES(1,'a0',7,1795100000050);
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, sender TEXT NOT NULL, guest INTEGER NOT NULL,
  text TEXT NOT NULL, stream INTEGER, id TEXT);
INSERT INTO "entries" VALUES(8,1795100000100,0,'Test_User',0,'hello',1,'a1');
INSERT INTO "entries" VALUES(9,1795100000200,2,'Test_User',0,'Chess',NULL,NULL);
INSERT INTO "entries" VALUES(10,1795100000300,1,'mia',1,'waves',NULL,NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "facts" VALUES('epoch',1795100000000);
INSERT INTO "facts" VALUES('incarnation',7);
INSERT INTO "facts" VALUES('noted',7);
INSERT INTO "facts" VALUES('revoked_to',4);
INSERT INTO "facts" VALUES('settings','{"room":"00000000000000aa","name":"Games","owner":"Test_User","access":"private","topic":"Chess","made":1795100000000,"revision":3,"guest_made":false}');
INSERT INTO "facts" VALUES('slow',0);
INSERT INTO "facts" VALUES('topic','Chess');
CREATE TABLE members (name TEXT PRIMARY KEY, guest INTEGER NOT NULL) WITHOUT ROWID
;
INSERT INTO "members" VALUES('test_user',0);
CREATE TABLE revoked (name TEXT PRIMARY KEY, before INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "revoked" VALUES('foo_user',99999999999999);
CREATE TABLE runs (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, stream INTEGER NOT NULL, before TEXT NOT NULL, first INTEGER NOT NULL,
  last INTEGER NOT NULL);
CREATE TABLE spent (number TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "spent" VALUES('n1',99999999999999);
CREATE TABLE standing (
  name TEXT NOT NULL, what TEXT NOT NULL, shown TEXT NOT NULL, until INTEGER, at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (name, what)) WITHOUT ROWID;
INSERT INTO "standing" VALUES('bad','ban','Bad',NULL,1795100000200);
CREATE TABLE streams (number INTEGER PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0, UNIQUE (account, name));
INSERT INTO "streams" VALUES(1,'test_user','stream-of-v1-0001',1795100000100);
CREATE TABLE whispers (
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, text TEXT,
  stream INTEGER, id TEXT);
INSERT INTO "whispers" VALUES(1,1795100000400,'Test_User','mia','psst',1,'a2');
CREATE UNIQUE INDEX sent ON entries (stream, id) WHERE stream IS NOT NULL;
CREATE UNIQUE INDEX whispered ON whispers (stream, id) WHERE stream IS NOT NULL;
CREATE INDEX dropped_by_time ON dropped (at)
;
CREATE INDEX streams_by_use ON streams (used)
;
CREATE INDEX runs_by_stream ON runs (stream, before, last);
COMMIT;
PRAGMA user_version = 6;
