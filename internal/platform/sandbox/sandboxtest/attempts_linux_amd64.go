package sandboxtest

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// otherMachines are attempts to reach the same kernel under other numbers.
func otherMachines() []attempt {
	const canary = "a call that the filter does not see"
	return []attempt{
		{"calls of x32", canary, func(target) (string, error) {
			err := call3(0x40000000+unix.SYS_GETPID, 0, 0, 0)
			return fmt.Sprintf("the kernel answered %v", err), nil
		}, false},
		{"calls of i386", canary, func(target) (string, error) {
			page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
			if err != nil {
				return "", err
			}
			// mov eax, 20 (getpid); int 0x80; ret
			copy(page, []byte{0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3})
			code := &page[0]
			entry := &code
			(*(*func())(unsafe.Pointer(&entry)))()
			return "int 0x80 came back", nil
		}, false},
	}
}
