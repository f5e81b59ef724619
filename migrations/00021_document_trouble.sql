-- +goose Up

-- What the writing of a document waits for while it goes on by itself.
ALTER TABLE document ADD COLUMN trouble text NOT NULL DEFAULT '';
