package verifier

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The container of a WebAssembly program, as far as packing goes: sections are carried over as they are, but for the one
// that fills the memory. WebAssembly Core Specification 1.0, section 5.5.

const (
	wasmHeader = "\x00asm\x01\x00\x00\x00"

	sectionData      = 11
	sectionDataCount = 12

	// Go's linker begins a new segment after every few bytes of zeros, which makes some 50,000 of them; each costs its head. A head
	// and what it does to the compression are worth this many zeros, which compress to next to nothing.
	zerosOfGap = 1024

	// maxMemory bounds the memory that a program may fill, in bytes: many times what any of ours does.
	maxMemory = 64 << 20
)

// A container is a program taken apart.
type container struct {
	before, after []byte // the sections around the data, whole
	start         int    // where the memory that is filled begins
	memory        []byte // what fills it, zeros between the segments included
}

// parseContainer takes apart what Go's linker writes, and refuses everything else.
func parseContainer(program []byte) (*container, error) {
	if len(program) < len(wasmHeader) || string(program[:len(wasmHeader)]) != wasmHeader {
		return nil, errors.New("not a WebAssembly program of version 1")
	}
	r := &wasmReader{b: program, at: len(wasmHeader)}
	for r.at < len(program) && r.err == nil {
		begin := r.at
		id := r.byte()
		content := r.take(r.uint())
		switch {
		case r.err != nil:
		case id == sectionDataCount:
			return nil, errors.New("the program counts its data segments, which Go's linker does not do")
		case id == sectionData:
			c := &container{before: program[:begin], after: program[r.at:]}
			return c, c.fill(content)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return nil, errors.New("the program has no data section")
}

// A segment is bytes with their place in the memory.
type segment struct {
	offset int
	bytes  []byte
}

// fill puts the segments of a data section into the memory.
func (c *container) fill(section []byte) error {
	segments, err := parseSegments(section)
	if err != nil {
		return err
	}
	slices.SortFunc(segments, func(a, b segment) int { return a.offset - b.offset }) // the linker's order is another
	for i, s := range segments {
		if i == 0 {
			c.start = s.offset &^ 7 // so that words lie where they do in the memory
		}
		zeros := s.offset - c.start - len(c.memory)
		if zeros < 0 {
			return fmt.Errorf("a data segment at %d begins before the end of the one before it, at %d", s.offset, c.start+len(c.memory))
		}
		c.memory = append(c.memory, make([]byte, zeros)...)
		c.memory = append(c.memory, s.bytes...)
	}
	return nil
}

func parseSegments(section []byte) ([]segment, error) {
	r := &wasmReader{b: section}
	var segments []segment
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		// An active segment of memory 0: flag 0, i32.const OFFSET, end, and the bytes.
		flag, opcode := r.byte(), r.byte()
		offset, end := r.int(), r.byte()
		content := r.take(r.uint())
		switch {
		case r.err != nil:
		case flag != 0 || opcode != 0x41 || end != 0x0b:
			return nil, fmt.Errorf("a data segment begins %#x %#x, and its place ends with %#x: want an active segment at a constant place", flag, opcode, end)
		case offset < 0 || offset+len(content) > maxMemory:
			return nil, fmt.Errorf("a data segment at %d of %d bytes: want at most %d in all", offset, len(content), maxMemory)
		}
		segments = append(segments, segment{offset, content})
	}
	if r.err == nil && r.at != len(section) {
		return nil, fmt.Errorf("%d bytes after the last data segment", len(section)-r.at)
	}
	return segments, r.err
}

// marshal puts the program together again: the same memory, in few segments.
func (c *container) marshal() []byte {
	var segments []byte
	n := 0
	for at := skipZeros(c.memory, 0); at < len(c.memory); n++ {
		end := endOfSegment(c.memory, at)
		segments = append(segments, 0, 0x41)
		segments = append(appendInt(segments, c.start+at), 0x0b)
		segments = binary.AppendUvarint(segments, uint64(end-at))
		segments = append(segments, c.memory[at:end]...)
		at = skipZeros(c.memory, end)
	}
	count := binary.AppendUvarint(nil, uint64(n))
	out := append([]byte(nil), c.before...)
	out = append(out, sectionData)
	out = binary.AppendUvarint(out, uint64(len(count)+len(segments)))
	out = append(append(out, count...), segments...)
	return append(out, c.after...)
}

func skipZeros(b []byte, at int) int {
	for at < len(b) && b[at] == 0 {
		at++
	}
	return at
}

// endOfSegment is where so many zeros begin that they are worth a new segment, or the end.
func endOfSegment(b []byte, at int) int {
	for at < len(b) {
		next := skipZeros(b, at)
		if next-at >= zerosOfGap || next == len(b) {
			return at
		}
		at = max(next, at+1)
	}
	return at
}

// A wasmReader reads one thing after another; after an error it reads zeros.
type wasmReader struct {
	b   []byte
	at  int
	err error
}

func (r *wasmReader) take(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.b)-r.at) {
		r.err = fmt.Errorf("at byte %d: want %d more, got %d", r.at, n, len(r.b)-r.at)
	}
	if r.err != nil {
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *wasmReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uint reads a u32 in LEB128.
func (r *wasmReader) uint() int {
	n := 0
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.err = fmt.Errorf("at byte %d: a number of more than 32 bits", r.at)
	return 0
}

// int reads an s32 in LEB128.
func (r *wasmReader) int() int {
	n := 0
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 {
				n -= 1 << (shift + 7)
			}
			return n
		}
	}
	r.err = fmt.Errorf("at byte %d: a number of more than 32 bits", r.at)
	return 0
}

// appendInt writes an s32 in LEB128.
func appendInt(b []byte, n int) []byte {
	for {
		low := byte(n & 0x7f)
		n >>= 7
		if (n == 0 && low&0x40 == 0) || (n == -1 && low&0x40 != 0) {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}
