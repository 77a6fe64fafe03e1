-- The database as format 1 made it; a show of that time still opens (tests/test_state.py).
CREATE TABLE show (id TEXT NOT NULL, format INTEGER NOT NULL, demo INTEGER NOT NULL, podcast_guid TEXT,
    swap_due TEXT NOT NULL DEFAULT '');
CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL, roles TEXT NOT NULL, password TEXT NOT NULL);
CREATE TABLE episode (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, slug TEXT UNIQUE NOT NULL,
    public_id TEXT UNIQUE NOT NULL, guid TEXT UNIQUE NOT NULL);
CREATE TABLE consent (episode TEXT NOT NULL REFERENCES episode(id), version INTEGER NOT NULL, items TEXT NOT NULL,
    receipt TEXT NOT NULL, at TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (episode, version));
CREATE TABLE cut (episode TEXT NOT NULL REFERENCES episode(id), digest TEXT NOT NULL, consent INTEGER NOT NULL,
    method TEXT NOT NULL, producer TEXT, made_from TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (episode, digest));
CREATE TABLE approval (episode TEXT NOT NULL, digest TEXT NOT NULL, role TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL, PRIMARY KEY (episode, digest, role),
    FOREIGN KEY (episode, digest) REFERENCES cut(episode, digest));
CREATE TABLE release (seq INTEGER PRIMARY KEY AUTOINCREMENT, episode TEXT NOT NULL REFERENCES episode(id), digest TEXT NOT NULL,
    released_on TEXT NOT NULL, at TEXT NOT NULL, body TEXT, audit_head TEXT NOT NULL);
CREATE TABLE tree (path TEXT PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE withdrawal (episode TEXT PRIMARY KEY REFERENCES episode(id), at TEXT NOT NULL, by TEXT NOT NULL);
CREATE TABLE audit (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, episode TEXT NOT NULL,
    detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
