package gate

// Held is how many bytes of bodies are held: of offers, and of what comes for offers that were taken.
func (g *Gate) Held() (unknown, known int64) {
	of := func(r *room) int64 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.held
	}
	return of(g.unknown), of(g.known)
}
