-- What is done to the publisher's figures on the way to values (domain::Step), in order: shown with every value.
alter table source add column steps text[] not null default '{}';
