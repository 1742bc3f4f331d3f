-- A file of the extract whose rows are all here: the next start need not read it again.
create table loaded_file (
    sha256    text not null,                   -- of the file as it lies in `data/`
    scope     text not null,                   -- which of its places were taken: another choice is another load
    path      text not null,
    row_count bigint not null,                 -- rows taken
    loaded_at timestamptz not null,
    primary key (sha256, scope)
);

-- The same file set aside twice is one entry.
create unique index quarantine_once on quarantine (retrieval_id, reason);
