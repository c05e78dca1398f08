//go:build js && wasm

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"syscall/js"
	"time"

	"stele/site/edge/published"
	"stele/site/edge/store"
)

// A bucket is the store in R2, through the Worker's binding: the library's own type knows no conditions. R2 is strongly consistent, and its writes are
// durable once they are answered. An object's version is its ETag.
type bucket struct{ binding js.Value }

// await waits for a promise; an error is what it was rejected with.
func await(ctx context.Context, promise js.Value) (js.Value, error) {
	type settled struct {
		value js.Value
		err   error
	}
	done := make(chan settled, 1) // whoever has given up does not hold the callbacks
	var fulfilled, rejected js.Func
	release := func() { fulfilled.Release(); rejected.Release() }
	fulfilled = js.FuncOf(func(_ js.Value, args []js.Value) any {
		defer release()
		done <- settled{value: args[0]}
		return nil
	})
	rejected = js.FuncOf(func(_ js.Value, args []js.Value) any {
		defer release()
		done <- settled{err: errors.New(args[0].Call("toString").String())}
		return nil
	})
	promise.Call("then", fulfilled, rejected)
	select {
	case s := <-done:
		return s.value, s.err
	case <-ctx.Done():
		return js.Value{}, ctx.Err()
	}
}

// Get is store.Store's.
func (b bucket) Get(ctx context.Context, name string) ([]byte, string, error) {
	return b.GetMost(ctx, name, math.MaxInt64)
}

// GetMost is store.Store's: R2 tells how many bytes there are before they come.
func (b bucket) GetMost(ctx context.Context, name string, most int64) ([]byte, string, error) {
	object, err := await(ctx, b.binding.Call("get", name))
	if err != nil {
		return nil, "", fmt.Errorf("read the object %s: %w", name, err)
	}
	if object.IsNull() {
		return nil, "", &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	if size := int64(object.Get("size").Float()); size > most {
		object.Get("body").Call("cancel") // else its connection stays open
		return nil, "", &store.LargeError{Name: name, Size: size, Most: most}
	}
	bytes, err := bytesOf(ctx, object)
	if err != nil {
		return nil, "", fmt.Errorf("read the object %s: %w", name, err)
	}
	return bytes, object.Get("etag").String(), nil
}

// bytesOf reads the body of an R2 object or of a Response.
func bytesOf(ctx context.Context, body js.Value) ([]byte, error) {
	buffer, err := await(ctx, body.Call("arrayBuffer"))
	if err != nil {
		return nil, err
	}
	array := js.Global().Get("Uint8Array").New(buffer)
	b := make([]byte, array.Length())
	js.CopyBytesToGo(b, array)
	return b, nil
}

// Put is store.Store's. R2 compares the bytes with their SHA-256 as they come in, and keeps it: readers are given it as an ETag.
func (b bucket) Put(ctx context.Context, name string, bytes []byte, when store.Condition) error {
	options := map[string]any{"sha256": digestOf(name, bytes)}
	if version, ok := when.Version(); ok {
		options["onlyIf"] = map[string]any{"etagMatches": version}
	} else if !when.IsAlways() {
		options["onlyIf"] = map[string]any{"etagDoesNotMatch": "*"}
	}
	array := js.Global().Get("Uint8Array").New(len(bytes))
	js.CopyBytesToJS(array, bytes)
	object, err := await(ctx, b.binding.Call("put", name, array, options))
	if err != nil {
		return fmt.Errorf("write the object %s: %w", name, err)
	}
	if object.IsNull() { // the condition did not hold
		return store.ErrChanged
	}
	return nil
}

// digestOf is the SHA-256 of an object's bytes. Objects that are named by it need not be hashed once more: R2 does that.
func digestOf(name string, bytes []byte) string {
	if folder, digest := path.Split(name); folder == "staged/" || folder == published.SetPrefix {
		return digest
	}
	sum := sha256.Sum256(bytes)
	return hex.EncodeToString(sum[:])
}

// Delete is store.Store's.
func (b bucket) Delete(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	if _, err := await(ctx, b.binding.Call("delete", list)); err != nil {
		return fmt.Errorf("delete %d objects, %s first: %w", len(names), names[0], err)
	}
	return nil
}

// List is store.Store's.
func (b bucket) List(ctx context.Context, prefix, after string) ([]store.Object, bool, error) {
	options := map[string]any{"prefix": prefix, "limit": store.MostListed}
	if after != "" {
		options["startAfter"] = after
	}
	found, err := await(ctx, b.binding.Call("list", options))
	if err != nil {
		return nil, false, fmt.Errorf("list the objects %s…: %w", prefix, err)
	}
	list := found.Get("objects")
	objects := make([]store.Object, list.Length())
	for i := range objects {
		o := list.Index(i)
		objects[i] = store.Object{Name: o.Get("key").String(), Size: int64(o.Get("size").Float()),
			Time: time.UnixMilli(int64(o.Get("uploaded").Call("getTime").Float()))}
	}
	return objects, found.Get("truncated").Bool(), nil
}
