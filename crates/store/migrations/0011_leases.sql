-- Who works on what, until when: several workers share the tasks of the batch, and a task whose worker died is free again
-- when its lease ends (docs/decisions/0014-leases.md). No fact of the platform: rows come and go.
create table lease (
    task   text primary key,
    holder text not null,                      -- one running worker
    until  timestamptz not null                -- by the database's clock, the only one that all workers share
);
