package inside

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"cofounder/internal/platform/sandbox/wire"

	"golang.org/x/sys/unix"
)

// process is what /proc says about one.
type process struct {
	pid, parent, session int
	ticks                int64 // of processor time
	private              int64 // bytes of memory it shares with no file
}

// userHZ is the length of a tick in /proc, which the kernel fixes (clock_t).
const userHZ = 100

// processes returns the living ones but this. One that ends meanwhile may be missing.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil // no descriptor is left for a moment; the next look finds them
	}
	defer dir.Close() //nolint:errcheck // only read
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if p, ok := look(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// look reads what counts of one process. The program chooses its own name, so the
// fields are counted from the last parenthesis (proc(5)).
func look(pid int) (process, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 22 || fields[0] == "Z" || fields[0] == "X" {
		return process{}, false
	}
	number := func(field int) int64 {
		n, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return 0 // the kernel writes numbers there
		}
		return n
	}
	p := process{pid: pid, parent: int(number(1)), session: int(number(3)), ticks: number(11) + number(12)}
	if memory, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm"); err == nil {
		p.private = privateOf(string(memory))
	}
	return p, true
}

// privateOf reads statm: pages in memory less those shared with files.
func privateOf(statm string) int64 {
	fields := strings.Fields(statm)
	if len(fields) < 3 {
		return 0
	}
	resident, err1 := strconv.ParseInt(fields[1], 10, 64)
	shared, err2 := strconv.ParseInt(fields[2], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}

// used sums up what the cage uses.
func (s *server) used() *wire.Used {
	var u wire.Used
	for _, p := range processes() {
		u.Processes++
		u.Memory += p.private
		u.CPU += p.ticks * (1e9 / userHZ)
	}
	for _, dir := range []string{"/tmp", "/dev/shm", "/run"} {
		var stat unix.Statfs_t
		if unix.Statfs(dir, &stat) == nil {
			u.Memory += int64(stat.Blocks-stat.Bfree) * stat.Bsize //nolint:gosec // at most the size we gave it
		}
	}
	var reaped unix.Rusage
	if unix.Getrusage(unix.RUSAGE_CHILDREN, &reaped) == nil {
		u.CPU += reaped.Utime.Nano() + reaped.Stime.Nano()
	}
	return &u
}

// killRest ends every process but this one and waits for all of them. Killing all at
// once is one step for the kernel, so that nobody escapes by forking.
func killRest() {
	_ = unix.Kill(-1, unix.SIGKILL) //nolint:errcheck // nobody may be left
	for {
		_, err := unix.Wait4(-1, nil, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return // no child left
		}
	}
}

// killOrphansOf ends what a program left behind while others run: its session, and
// whoever lost their parent: nobody waits for them. It returns false when they come
// faster than it can look, which is a bomb.
func killOrphansOf(session int, programs map[int]*running) bool {
	const looks = 50
	for range looks {
		var orphans []int
		found := false
		for _, p := range processes() {
			_, wanted := programs[p.pid]
			orphan := p.parent == os.Getpid() && !wanted
			if !orphan && p.session != session {
				continue
			}
			found = true
			_ = unix.Kill(p.pid, unix.SIGKILL) //nolint:errcheck // it may have ended just now
			if orphan {
				orphans = append(orphans, p.pid)
			}
		}
		if !found {
			return true
		}
		awaitAll(orphans)
	}
	return false
}

// awaitAll reaps children that were killed.
func awaitAll(children []int) {
	for _, pid := range children {
		for {
			if _, err := unix.Wait4(pid, nil, 0, nil); !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
}
