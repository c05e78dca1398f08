package verifier

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// What Go's linker writes is not what a page wants to load. Pack takes out what only the text of a traceback needs, which
// nobody sees in a page, and lays out the memory in few segments: a quarter of the program as it is compressed for the way.
//
// Go keeps a table of all functions (Go 1.26, runtime/symtab.go and runtime/runtime2.go). The runtime walks stacks by it, to
// collect garbage and to run deferred calls, and prints tracebacks by it. Of each function there go:
//
//   - its name, file and lines, also those of functions inlined into it, which Go prints as "?" where they are missing. Three
//     questions the runtime answers by names, and so what keptName says stays of these;
//   - which of its arguments a traceback shows (the funcdata ArgInfo and ArgLiveInfo, the pcdata ArgLiveIndex);
//   - where it may be interrupted by a signal (the pcdata UnsafePoint): WebAssembly knows no signals.
//
// Nothing moves: what goes becomes zeros, and what points at it becomes what Go writes where there is none. How large frames are,
// which of their words are pointers, which calls are deferred and what kind of function it is stay as they are. Whatever is not laid
// out as Go 1.26 does it is refused.

// packs is the release of Go whose layout is known here, as `go env GOVERSION` begins.
const packs = "go1.26"

const (
	pcMagic      = 0xfffffff1 // internal/abi.CurrentPCLnTabMagic
	pcHeaderSize = 72
	funcSize     = 44 // of runtime._func, without the tables that follow it

	// The fields of runtime._func, in bytes from its start.
	fieldEntry, fieldName, fieldSP, fieldFile, fieldLine, fieldPCs, fieldUnit, fieldStart, fieldFuncs = 0, 4, 16, 20, 24, 28, 32, 36, 43

	// internal/abi/symtab.go
	unsafePoint, stackMapIndex, inlTreeIndex, argLiveIndex, panicBounds = 0, 1, 2, 3, 4
	inlTree, argInfo, argLiveInfo, wrapInfo                             = 3, 5, 6, 7

	noFuncData = 1<<32 - 1
)

// Pack returns a program that does the same, with less in it. It takes what Go 1.26 compiles for js/wasm or wasip1, and the same program
// gives the same bytes.
func Pack(program []byte) ([]byte, error) {
	c, err := parseContainer(program)
	if err != nil {
		return nil, fmt.Errorf("pack WebAssembly: %w", err)
	}
	t, err := findTables(c)
	if err != nil {
		return nil, fmt.Errorf("pack WebAssembly: %w; its layout is not that of %s", err, packs)
	}
	if err := t.strip(); err != nil {
		return nil, fmt.Errorf("pack WebAssembly: %w; its layout is not that of %s", err, packs)
	}
	return c.marshal(), nil
}

// A tables is Go's table of functions, in place.
type tables struct {
	names, units, files, pcs, funcs []byte // runtime.moduledata: funcnametab, cutab, filetab, pctab, pclntable
	count                           int    // of functions
	record                          int    // where runtime.moduledata lies
	funcData                        int    // bytes of what funcdata points into, runtime.moduledata.gofunc
	kept                            []bool // of pcs: whether a table that stays has this byte
}

// findTables finds the header of the table, and the runtime's record of it, which must agree.
func findTables(c *container) (*tables, error) {
	m := c.memory
	var found *tables
	for at := 0; at+pcHeaderSize <= len(m); at += 8 {
		// magic, two zeros, the smallest instruction's size, a pointer's size
		if !bytes.Equal(m[at:at+8], []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}) {
			continue
		}
		if found != nil {
			return nil, errors.New("two tables of functions")
		}
		t, err := c.tablesAt(at)
		if err != nil {
			return nil, err
		}
		found = t
	}
	if found == nil {
		return nil, errors.New("no table of functions")
	}
	return found, nil
}

// tablesAt reads runtime.pcHeader, and finds runtime.moduledata, which begins with a pointer to it.
func (c *container) tablesAt(header int) (*tables, error) {
	var h [9]int // magic and sizes, nfunc, nfiles, unused, and five offsets
	for i := range h {
		h[i] = int(binary.LittleEndian.Uint64(c.memory[header+8*i:]))
	}
	functions := h[1]
	offsets := append([]int{0}, h[4:]...)
	if h[3] != 0 || h[4] != pcHeaderSize || functions <= 0 || functions > 1<<20 {
		return nil, fmt.Errorf("table of functions: %d functions, first part at %d: want it at %d", functions, h[4], pcHeaderSize)
	}
	var t *tables
	// The pointer to the header, and the first slice. (The end of the types, in the same record, may be the header's address too.)
	pointers := binary.LittleEndian.AppendUint64(nil, uint64(c.start+header))
	pointers = binary.LittleEndian.AppendUint64(pointers, uint64(c.start+header+pcHeaderSize))
	for at := 0; at+8*42 <= len(c.memory); at += 8 {
		if !bytes.Equal(c.memory[at:at+16], pointers) {
			continue
		}
		if t != nil {
			return nil, errors.New("two records of the table of functions")
		}
		var err error
		if t, err = c.recordAt(at, header, functions, offsets); err != nil {
			return nil, err
		}
	}
	if t == nil {
		return nil, errors.New("no record of the table of functions")
	}
	return t, nil
}

// recordAt reads runtime.moduledata: five slices that lie where the header says, one after another, then ftab.
func (c *container) recordAt(at, header, functions int, offsets []int) (*tables, error) {
	word := func(i int) int { return int(binary.LittleEndian.Uint64(c.memory[at+8*i:])) }
	t := &tables{count: functions, record: at}
	end := header + pcHeaderSize
	for i, part := range []struct {
		bytes *[]byte
		size  int // of an element
	}{{&t.names, 1}, {&t.units, 4}, {&t.files, 1}, {&t.pcs, 1}, {&t.funcs, 1}} {
		begin, length := word(1+3*i)-c.start, word(2+3*i)*part.size
		if begin != header+offsets[1+i] || begin < end || begin-end > 32 || length < 0 || begin+length > len(c.memory) || word(2+3*i) != word(3+3*i) {
			return nil, fmt.Errorf("part %d of the table of functions: at %d with %d bytes, after %d", i, begin, length, end)
		}
		*part.bytes, end = c.memory[begin:begin+length:begin+length], begin+length
	}
	// ftab begins where pclntable does, and has an entry more than there are functions.
	if word(16) != word(13) || word(17) != functions+1 {
		return nil, fmt.Errorf("index of the table of functions: %d entries, want %d", word(17), functions+1)
	}
	// gofunc lies behind, and reaches to findfunctab.
	gofunc, find := word(40)-c.start, word(19)-c.start
	if gofunc < end || find < gofunc || find > len(c.memory) {
		return nil, fmt.Errorf("what functions point to lies from %d to %d: want it after %d", gofunc, find, end)
	}
	t.funcData = find - gofunc
	t.kept = make([]bool, len(t.pcs))
	return t, nil
}

// strip takes out what only tracebacks need. It looks at everything before it changes anything.
func (t *tables) strip() error {
	functions := make([][]byte, t.count)
	named := make([]string, t.count)
	for i := range functions {
		f, name, err := t.function(i)
		if err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
		functions[i], named[i] = f, name
	}
	for i, f := range functions {
		if err := t.keep(f); err != nil {
			return fmt.Errorf("function %d, %s: %w", i, named[i], err)
		}
	}
	clear(t.names)
	places, end := map[string]int{"": 0}, 1
	for i, f := range functions {
		blank(f)
		name := keptName(named[i])
		if _, written := places[name]; !written {
			places[name] = end
			end += copy(t.names[end:], name) + 1
		}
		put(f, fieldName, uint32(places[name]))
	}
	clear(t.units)
	clear(t.files)
	for i, kept := range t.kept {
		if !kept {
			t.pcs[i] = 0
		}
	}
	return nil
}

// keptName is what stays of a name: whether the function is the runtime's own (runtime/traceback.go, runtime/panic.go), and the two that
// runtime/stkframe.go asks for.
func keptName(name string) string {
	const own = "runtime."
	switch {
	case strings.HasPrefix(name, own):
		return own
	case name == "reflect.makeFuncStub", name == "reflect.methodValueCall":
		return name
	default:
		return ""
	}
}

// function returns one entry with the tables that follow it, and the function's name.
func (t *tables) function(i int) (f []byte, name string, err error) {
	entry := binary.LittleEndian.Uint32(t.funcs[8*i:])
	at := int(binary.LittleEndian.Uint32(t.funcs[8*i+4:]))
	if at < 8*t.count+4 || at%4 != 0 || at+funcSize > len(t.funcs) {
		return nil, "", fmt.Errorf("lies at %d of %d bytes", at, len(t.funcs))
	}
	f = t.funcs[at:]
	pcs, data := int(field(f, fieldPCs)), int(f[fieldFuncs])
	size := funcSize + 4*pcs + 4*data
	if pcs > panicBounds+1 || data > wrapInfo+1 || size > len(f) || field(f, fieldEntry) != entry {
		return nil, "", fmt.Errorf("%d tables by place, %d of data, entry %#x: want at most %d and %d, and %#x", pcs, data, field(f, fieldEntry), panicBounds+1, wrapInfo+1, entry)
	}
	f = f[:size:size]
	for k := range data {
		if offset := field(f, funcSize+4*pcs+4*k); offset != noFuncData && int(offset) >= t.funcData {
			return nil, "", fmt.Errorf("data %d lies at %d of %d bytes", k, offset, t.funcData)
		}
	}
	at = int(field(f, fieldName))
	if at >= len(t.names) || (at > 0 && t.names[at-1] != 0) {
		return nil, "", fmt.Errorf("its name lies at %d of %d bytes", at, len(t.names))
	}
	end := bytes.IndexByte(t.names[at:], 0)
	if end < 0 {
		return nil, "", fmt.Errorf("its name at %d has no end", at)
	}
	return f, string(t.names[at : at+end]), nil
}

// keep marks the tables by place that stay.
func (t *tables) keep(f []byte) error {
	if err := t.keepPCs(field(f, fieldSP)); err != nil {
		return err
	}
	for k := range int(field(f, fieldPCs)) {
		if k == stackMapIndex || k == panicBounds {
			if err := t.keepPCs(field(f, funcSize+4*k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepPCs marks a table: pairs of numbers of at most 32 bits in LEB128, ended by a zero that is not the first number.
func (t *tables) keepPCs(at uint32) error {
	if at == 0 {
		return nil // there is none
	}
	for first := true; ; first = false {
		value, err := t.keepNumber(&at)
		if err != nil {
			return err
		}
		if value == 0 && !first {
			return nil
		}
		if _, err := t.keepNumber(&at); err != nil {
			return err
		}
	}
}

func (t *tables) keepNumber(at *uint32) (uint64, error) {
	if int(*at) >= len(t.pcs) {
		return 0, fmt.Errorf("a table by place begins at or reaches %d of %d bytes", *at, len(t.pcs))
	}
	value, n := binary.Uvarint(t.pcs[*at:])
	if n <= 0 || n > 5 {
		return 0, fmt.Errorf("a table by place has no number at %d", *at)
	}
	for range n {
		t.kept[*at] = true
		*at++
	}
	return value, nil
}

// blank makes one function's entry say that there is nothing of what goes.
func blank(f []byte) {
	for _, at := range []int{fieldName, fieldFile, fieldLine, fieldUnit, fieldStart} {
		put(f, at, 0)
	}
	pcs := int(field(f, fieldPCs))
	for k := range pcs {
		if k == unsafePoint || k == inlTreeIndex || k == argLiveIndex {
			put(f, funcSize+4*k, 0)
		}
	}
	for k := range int(f[fieldFuncs]) {
		if k == inlTree || k == argInfo || k == argLiveInfo {
			put(f, funcSize+4*pcs+4*k, noFuncData)
		}
	}
}

func field(f []byte, at int) uint32      { return binary.LittleEndian.Uint32(f[at:]) }
func put(f []byte, at int, value uint32) { binary.LittleEndian.PutUint32(f[at:], value) }
