// The page that shows the ledger: the newest publication, how it grew, who registered what, any entry, and every
// publication back to the first. Each part asks for itself: what fails is told in its place, and the others stand.

import { element } from './dom.mjs'
import { Counts } from './counts.mjs'
import { Entries } from './entries.mjs'
import { Publications } from './publications.mjs'
import { signedSentence, signedTree } from './quorum.mjs'
import { begin, code, find, moment } from './viewer.mjs'

begin(async (viewer) => {
  const view = await viewer.ask('head')
  if (!viewer.tell(view)) return
  newest(viewer, view.head)
  status(viewer, find('health'))
  for (const role of ['officers', 'witnesses']) signed(viewer, role, view.head[role])
  const titles = viewer.ask('issuers').then(titlesOf)
  await Promise.all([
    new Entries(viewer, find('entries'), view.head).begin(),
    new Counts(viewer, find('growth'), find('counts'), titles).begin(),
    new Publications(viewer, find('publications')).list(),
  ])
  document.documentElement.dataset.ready = ''
})

/** Puts what is proved in the place of what was written with the page. */
function newest(viewer, head) {
  const put = (name, ...content) => find(`newest`)?.querySelector(`[data-fact=${name}]`)?.replaceChildren(...content)
  put('time', moment(viewer, head.as_of))
  put('publication', viewer.number(head.publication))
  put('size', viewer.number(head.size))
  put('keys', viewer.number(head.keys))
  put('root', element('span', {}, code(head.root)))
  const ago = find('newest')?.querySelector('[data-ago]')
  if (ago) ago.textContent = ''
}

/** The way to the page of how an edge stands, where the portal says that there is one. */
function status({ portal }, place) {
  if (!place || !portal.status) return
  place.querySelector('a').href = place.dataset.health
  place.hidden = false
}

/** Who has signed the newest publication, in place of who has to. */
function signed({ wording }, role, quorum) {
  if (quorum.of === 0) return
  find('newest')?.querySelector(`[data-fact=${role}]`)?.replaceChildren(signedSentence(role, quorum, wording))
  find('whose').querySelector(`[data-tree=${role}]`).replaceChildren(signedTree(quorum, wording))
}

function titlesOf(view) {
  return new Map(view.issuers.map(({ name, title }) => [name, title]))
}
