package proofs

// The way from a document's key to the signed checkpoint, hash by hash (FORMAT.md, sections 2 and 8), for people who follow it by eye or
// compute it again with other tools. Nothing is decided here: it tells how what has been verified hangs together, and with every hash on the
// way what it has to come to, so that whoever computes it again sees where it differs.

import (
	"bytes"
	"slices"
)

// A told way is evidence in the making: a method that appends costs the page less than as many literals.
type told []Evidence

func (w *told) tell(label, value string) { *w = append(*w, Evidence{label, value}) }

func (w *told) count(label string, n uint64) { w.tell(label, utoa(n)) }

func (w *told) hash(label string, h Hash) { w.tell(label, h.String()) }

// way tells a verified receipt, or what would be one. What belongs to a neighbour of an absent key follows the neighbour's own key, under
// "before" or "after".
func (c *Receipt) way(x *VerifiedIndex) told {
	w := &told{}
	w.hash("key", c.Key)
	records := EmptyRoot()
	if p := c.Present; p != nil {
		w.tell("body", hexString(p.Body))
		records = c.inSlot(w, Neighbor{p.Key, sum256(p.Body), p.Position, p.Path})
	}
	for _, n := range c.Neighbors {
		if bytes.Compare(n.Key[:], c.Key[:]) < 0 {
			w.hash("before", n.Key)
		} else {
			w.hash("after", n.Key)
		}
		records = c.inSlot(w, n)
	}
	depth := len(c.Siblings)
	up := make([]bool, depth)
	for i := range up {
		up[i] = bit(c.Key, depth-1-i) == 1
	}
	prefix := prefixOf(c.Key, depth)
	w.count("slot-keys", uint64(c.Count))
	w.hash("records", records)
	w.count("depth", uint64(depth))
	w.hash("prefix", prefix)
	slot := slotHash(depth, prefix, c.Count, records)
	w.hash("slot", slot)
	w.hash("map", w.climb("path", slot, c.Siblings, up))
	c.inLedger(w, x)
	return *w
}

// inSlot tells a record and its way up to the root of its slot's records.
func (c *Receipt) inSlot(w *told, n Neighbor) Hash {
	leaf := recordLeaf(n.Key, n.Body)
	w.hash("body-sha256", n.Body)
	w.hash("record", leaf)
	w.count("position", uint64(n.Position))
	return w.climb("slot-path", leaf, n.Path, sides(uint64(n.Position), uint64(c.Count)))
}

// inLedger tells the index statement and its way up to the root that was signed.
func (c *Receipt) inLedger(w *told, x *VerifiedIndex) {
	leaf := leafHash(c.Statement)
	w.tell("index", string(c.Statement))
	w.tell("time", stamp(x.Time))
	w.hash("leaf", leaf)
	w.count("place", c.Proof.Index)
	root := w.climb("ledger-path", leaf, c.Proof.Proof, sides(c.Proof.Index, x.Size))
	w.hash("root", root)
	w.count("size", x.Size)
	w.tell("checkpoint", Checkpoint{x.Origin, x.Size, root}.Text())
}

func (w *told) climb(label string, h Hash, siblings []Hash, before []bool) Hash {
	top, path := climbed(h, siblings, before)
	w.tell(label, path)
	return top
}

// climbed goes up a tree, and tells how: a line a level, with whether the hash beside the way goes before or after, that hash, and the hash of both.
func climbed(h Hash, siblings []Hash, before []bool) (top Hash, path string) {
	for i, s := range siblings {
		side, l, r := "after ", h, s
		if before[i] {
			side, l, r = "before ", s, h
		}
		h = nodeHash(l, r)
		path += side + s.String() + " " + h.String() + "\n"
	}
	return h, path
}

// sides tells of each hash of an inclusion proof (RFC 6962, section 2.1.1) whether it goes before what it is hashed with.
func sides(index, size uint64) []bool {
	var up []bool
	for size > 1 {
		k := split(size)
		before := index >= k
		up = append(up, before)
		if before {
			index, size = index-k, size-k
		} else {
			size = k
		}
	}
	slices.Reverse(up) // it was gone down from the root
	return up
}
