// What the edge is measured against: the least that a Worker in JavaScript can do, and one object out of a bucket.
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname === '/stored') return new Response((await env.STORE.get('stored')).body)
    if (pathname === '/store') {
      await env.STORE.put('stored', await request.arrayBuffer())
      return new Response(null, { status: 204 })
    }
    return new Response('ok')
  },
}
