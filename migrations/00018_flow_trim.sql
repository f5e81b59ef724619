-- +goose Up

-- Runs that are over long enough lose their steps and claims. Set: they have.
ALTER TABLE run ADD COLUMN shortened_at timestamptz;
CREATE INDEX run_whole ON run (finished_at) WHERE finished_at IS NOT NULL AND shortened_at IS NULL;
