package private

import (
	"fmt"
	"io"
)

// logCap is how long the server's log may become before its beginning moves to
// pg.log.1, replacing what was there.
const logCap = 8 << 20

// trimLog keeps the log short. The server goes on writing to the same file,
// always at its end, so it can be emptied under it; a line written in between
// is lost.
func (f *folder) trimLog() error {
	log, err := f.open("pg.log")
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // emptied at once or not at all
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("read the database's log: %w", err)
	}
	if info.Size() <= logCap {
		return nil
	}
	text, err := io.ReadAll(io.NewSectionReader(log, info.Size()-logCap, logCap))
	if err != nil {
		return fmt.Errorf("read the database's log: %w", err)
	}
	if err := f.write("pg.log.1", string(text), secretMode); err != nil {
		return err
	}
	if err := log.Truncate(0); err != nil {
		return fmt.Errorf("shorten the database's log: %w", err)
	}
	return nil
}
