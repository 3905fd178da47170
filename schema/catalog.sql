-- catalog.db: what this node has found out about the archives in its builds directory.
--
-- Observed state.  Deleting the file costs one scan, in which every archive is decoded and verified again, and
-- nothing else: the same archives get the same object and entry numbers.  Nobody edits it; pxectl reads it.

PRAGMA user_version = 9;   -- another number than the program's: the file is thrown away

-- One row for each archive, under the identity of its file: whatever is written to it, moved over it or restored with
-- its old time stamp has another identity, and this row is then dropped.
CREATE TABLE archive (
  dev          INTEGER NOT NULL,   -- stat(2) st_dev; 64 bits, kept as a signed number
  ino          INTEGER NOT NULL,   -- st_ino; the same
  size_bytes   INTEGER NOT NULL,   -- st_size, of the archive as it lies there
  mtime_ns     INTEGER NOT NULL,   -- st_mtim, nanoseconds since the epoch
  ctime_ns     INTEGER NOT NULL,   -- st_ctim, nanoseconds since the epoch; what nobody can set
  file         TEXT    NOT NULL,   -- its name in the builds directory when it was read; for people
  verdict      TEXT    NOT NULL    -- 'ready': verified, may be served; 'refused': never served, and not read again;
                                   -- 'quarantined': was ready and rotted: not served, and read once more after a start
               CONSTRAINT "verdict: ready, refused or quarantined"
               CHECK (verdict IN ('ready', 'refused', 'quarantined')),
  reason       TEXT,               -- why it was refused, or a warning about a ready one; NULL: nothing to say
  salt         INTEGER NOT NULL,   -- what the object number was made with: 0, more after a collision
  object       INTEGER UNIQUE      -- hash of the identity and salt, in node ids and spool names; NULL unless ready
               CONSTRAINT "object: for a ready archive" CHECK ((verdict = 'ready') = (object IS NOT NULL)),
  format       TEXT                -- 'tar' or 'iso'; NULL if refused
               CONSTRAINT "format: tar or iso" CHECK (format IN ('tar', 'iso')),
  raw_bytes    INTEGER NOT NULL,   -- length of the decompressed stream; 0 if refused
  hash_checked INTEGER NOT NULL    -- 1: boot_archive.hash is there and agrees; 0: there is none
               CONSTRAINT "hash_checked: 0 or 1" CHECK (hash_checked IN (0, 1)),
  -- The identity of the spool file spool/<object in hex>.raw; all NULL where the archive itself is the stream.
  spool_dev      INTEGER,
  spool_ino      INTEGER,
  spool_bytes    INTEGER,
  spool_mtime_ns INTEGER,
  spool_ctime_ns INTEGER,
  layout       BLOB,               -- names, sizes and offsets of all entries (fs/platform/layoutblob.c); NULL if refused
  -- Where a gzip archive is read from itself, by checkpoints; both NULL else.
  decoder      TEXT,               -- library and version that made them; of another one they are worth nothing
  gzindex      BLOB,               -- where they are, and the CRCs between them (fs/archive/gzindex.h)
  checksum     BLOB NOT NULL,      -- of all other columns (fs/catalog/catalogrow.c): a row that does not agree is dropped
  -- Digests of the archive as it lies there, in hex, so that a sums file that comes later needs no reading.
  sha256       TEXT,               -- NULL if it never was ready; of a quarantined one, what it must be again
  md5          TEXT,               -- NULL until an md5sums.txt names it and no sha256sums.txt does
  -- Of a ready archive that is not read by checkpoints: the CRC of each 256 KiB of the stream (fs/archive/blocksums.h).
  blocksums    BLOB
               CONSTRAINT "blocksums: of a ready archive without gzindex"
               CHECK ((blocksums IS NOT NULL) = (verdict = 'ready' AND gzindex IS NULL)),
  PRIMARY KEY (dev, ino, size_bytes, mtime_ns, ctime_ns)
) STRICT;

-- The decoder's state at each checkpoint but the first, which is the archive's beginning.  By far the most of this
-- file: some 0.7 % of the decompressed streams.
CREATE TABLE checkpoint (
  id    INTEGER PRIMARY KEY,       -- archive.object * 2^20 + number of the checkpoint
  state BLOB NOT NULL              -- compressed, with a checksum over it and the id (fs/archive/statebox.h)
) STRICT;

-- Times that outlive a restart, so that no file's time goes backwards: one row.
CREATE TABLE times (
  id         INTEGER PRIMARY KEY CONSTRAINT "times: one row" CHECK (id = 1),
  served     BLOB    NOT NULL,     -- digest of what is served: names and numbers of builds, images and ISOs
  served_sec INTEGER NOT NULL,     -- when that changed last, seconds since the epoch
  shown_sec  INTEGER NOT NULL      -- the highest time a generated file was shown with that no row and no build explains; 0: none
) STRICT;

-- Sums files of the builds directory as they were last read: while one cannot be read, and after a restart, that counts.
CREATE TABLE sums (
  name     TEXT PRIMARY KEY,       -- of the file
  dev      INTEGER NOT NULL,       -- identity of the file that was read, as in archive
  ino      INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  content  BLOB NOT NULL           -- all of it; 4 MiB at most
) STRICT;

-- What the daemon shows now, one row for each file of the builds directory; written anew with each change.  Only for
-- pxectl and people: the daemon never reads it.
CREATE TABLE listing (
  file       TEXT PRIMARY KEY,     -- name in the builds directory
  build      TEXT,                 -- the build's name; NULL while it is not known
  state      TEXT NOT NULL         -- see catalog.h, enum archive_state
             CONSTRAINT "state: ready, indexing, waiting, refused, shadowed or passed over"
             CHECK (state IN ('ready', 'indexing', 'waiting', 'refused', 'shadowed', 'passed over')),
  reason     TEXT,                 -- why it is not served, or a warning
  size_bytes INTEGER NOT NULL,     -- of the file
  raw_bytes  INTEGER NOT NULL,     -- of the decompressed stream; 0 until known
  place      INTEGER               -- place among the served builds, newest first, from 0; NULL if it is not served
             CONSTRAINT "place: one build each" UNIQUE,
  release    INTEGER NOT NULL,     -- 1: may become `latest`; 0: a branch or debug build, or not known
  has_hash   INTEGER NOT NULL,     -- 1: it brings a boot_archive.hash
  verified   TEXT    NOT NULL,     -- what agreed beside the stream's own check sums: '', 'hash' (boot_archive.hash),
                                   -- 'sha256' or 'md5' (a sums file), 'hash,sha256', 'hash,md5';
                                   -- 'not checked', 'hash,not checked': a sums file that may name it cannot be read
  iso        TEXT                  -- its name in /iso; NULL if it is not there
) STRICT;
