//go:build js && wasm

// Package bridge carries bytes and lists across the border between Go and JavaScript, for the programs that the pages load.
package bridge

import "syscall/js"

// Run sets the functions on the JavaScript global `stele`, calls `steleReady()` if there is such a function, and never returns.
func Run(functions map[string]func(request js.Value) any) {
	set := map[string]any{}
	for name, f := range functions {
		set[name] = js.FuncOf(func(_ js.Value, args []js.Value) any { return f(args[0]) })
	}
	js.Global().Set("stele", js.ValueOf(set))
	if ready := js.Global().Get("steleReady"); ready.Type() == js.TypeFunction {
		ready.Invoke()
	}
	select {}
}

// Need is the result that asks for files.
func Need(paths []string) any {
	need := make([]any, len(paths))
	for i, path := range paths {
		need[i] = path
	}
	return map[string]any{"need": need}
}

// Files reads the files of a request (object: path to Uint8Array, or null where the file could not be read), and why they could
// not be read (object: path to a short reason).
func Files(request js.Value) (files map[string][]byte, errors map[string]string) {
	files, errors = map[string][]byte{}, map[string]string{}
	each(request.Get("files"), func(path string, v js.Value) { files[path] = ToBytes(v) })
	each(request.Get("errors"), func(path string, v js.Value) { errors[path] = v.String() })
	return files, errors
}

// each calls f for every own property of an object; null and undefined have none.
func each(o js.Value, f func(name string, v js.Value)) {
	if o.Type() != js.TypeObject {
		return
	}
	keys := js.Global().Get("Object").Call("keys", o)
	for i := range keys.Length() {
		name := keys.Index(i).String()
		f(name, o.Get(name))
	}
}

// ToBytes copies a Uint8Array; null and undefined are nil, an empty array is not.
func ToBytes(v js.Value) []byte {
	if v.Type() != js.TypeObject {
		return nil
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}

// FromBytes copies into a Uint8Array; nil is null.
func FromBytes(b []byte) any {
	if b == nil {
		return nil
	}
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}
