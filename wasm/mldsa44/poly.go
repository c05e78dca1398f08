package mldsa44

import "math/bits"

// A poly is a polynomial of R_q by its coefficients, or its transform by NTT. Each is below q.
type poly [n]uint32

// Products are reduced by P. Montgomery's method, "Modular multiplication without trial division" (1985), with R = 2^32: reduce(a) is
// a·R⁻¹. One factor of each product is therefore kept times R.
const (
	inverseOfQ = 58728449 // q⁻¹ mod 2^32
	r          = 1 << 32 % q
	rr         = r * r % q
)

// reduce returns a·R⁻¹ mod q, below q, for a below q·2^32.
func reduce(a uint64) uint32 {
	t := uint32(a) * inverseOfQ
	high := uint32(a >> 32)
	below := uint32(uint64(t) * q >> 32)
	// The low halves of a and t·q are equal, so that the high halves' difference is the quotient by R, above -q and below q.
	if high < below {
		high += q
	}
	return high - below
}

func multiply(a, b uint32) uint32 { return reduce(uint64(a) * uint64(b)) }

func add(a, b uint32) uint32 {
	if a += b; a >= q {
		a -= q
	}
	return a
}

func subtract(a, b uint32) uint32 {
	if a < b {
		a += q
	}
	return a - b
}

// zetas are ζ^BitRev₈(i) times R: FIPS 204, appendix B, where ζ = 1753 (section 2.3).
var zetas = func() (z [n]uint32) {
	power := uint32(r)
	for i := range z {
		z[bits.Reverse8(uint8(i))] = power
		power = multiply(power, 1753*r%q)
	}
	return z
}()

// ntt is algorithm 41, in place.
func (p *poly) ntt() {
	m := 0
	for size := n / 2; size >= 1; size /= 2 {
		for start := 0; start < n; start += 2 * size {
			m++
			zeta := zetas[m]
			low, high := p[start:start+size], p[start+size:start+2*size]
			for j := range low {
				t := multiply(zeta, high[j])
				high[j] = subtract(low[j], t)
				low[j] = add(low[j], t)
			}
		}
	}
}

// inverse is algorithm 42, in place, for what addProduct left: coefficients times R⁻¹.
func (p *poly) inverse() {
	m := n
	for size := 1; size < n; size *= 2 {
		for start := 0; start < n; start += 2 * size {
			m--
			zeta := q - zetas[m]
			low, high := p[start:start+size], p[start+size:start+2*size]
			for j := range low {
				t := low[j]
				low[j] = add(t, high[j])
				high[j] = multiply(zeta, subtract(t, high[j]))
			}
		}
	}
	// 256⁻¹ mod q is 8347681 (algorithm 42); R² brings back what the two reductions took, addProduct's and this one.
	const f = 8347681 * rr % q
	for i := range p {
		p[i] = multiply(p[i], f)
	}
}

// addProduct adds a·b·R⁻¹ in the transform, coefficient by coefficient: algorithms 44 and 45.
func (p *poly) addProduct(a, b *poly) {
	for i := range p {
		p[i] = add(p[i], multiply(a[i], b[i]))
	}
}
