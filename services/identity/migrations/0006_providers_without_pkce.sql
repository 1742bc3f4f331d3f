-- A provider that knows no PKCE (RFC 7636) refuses its parameters: a login there has no verifier.
alter table login alter column pkce_verifier drop not null;
