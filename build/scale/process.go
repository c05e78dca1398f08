package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// peakMemory is the most that this process has had in memory, in bytes.
func peakMemory() int64 { return 1024 * procNumber("/proc/self/status", "VmHWM:") }

// bytesWritten is what this process has handed to the kernel.
func bytesWritten() int64 { return procNumber("/proc/self/io", "wchar:") }

func procNumber(file, name string) int64 {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n
		}
	}
	return 0
}

// cpuTime is what this process has used of all processors, in seconds: on a busy machine it tells more than the clock.
func cpuTime() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
