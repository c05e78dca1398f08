// Who has to sign a publication, and who has: in one sentence, and as a tree down to every key.

import { element, icon, visible } from './dom.mjs'

const mostNamed = 5 // in a sentence; the tree has them all

const sentences = { officers: 'approved', witnesses: 'seen' } // and what follows where only one has to, none has, or some have not

/** The names of all keys below a member. */
function keysBelow(member) {
  return member.key ? [member.key] : member.members.flatMap(keysBelow)
}

/** What a member is called: by its keys' own name where they share one, else as the policy calls the group. */
function called(member) {
  const keys = new Set(keysBelow(member))
  return visible(keys.size === 1 ? [...keys][0] : member.name)
}

function names(members, wording) {
  const all = members.map(called)
  if (all.length <= mostNamed) return wording.list(all)
  return wording.ui('namesMore', { names: wording.list(all.slice(0, mostNamed - 1)), count: wording.number(all.length - mostNamed + 1) })
}

/**
 * Who has signed in a role, in one sentence; nothing where nobody has to.
 * @param {string} role officers or witnesses
 * @param {object} quorum of a report
 */
export function signedSentence(role, quorum, wording) {
  if (!quorum || quorum.of === 0) return null
  const signed = quorum.members.filter((member) => member.met)
  const others = quorum.members.filter((member) => !member.met)
  const form = signed.length === 0 ? 'None' : quorum.of === 1 ? 'One' : others.length > 0 ? 'NotBy' : ''
  const numbers = { have: wording.number(quorum.have), of: wording.number(quorum.of), needed: wording.number(quorum.needed) }
  return wording.ui(`${sentences[role]}${form}`, { ...numbers, names: names(signed, wording), others: names(others, wording) })
}

/** Both roles, a line each; nothing where neither is demanded. */
export function signedLines(report, wording) {
  const lines = Object.keys(sentences).map((role) => signedLine(role, report[role], wording))
  return lines.some(Boolean) ? element('ul', { class: 'quorums' }, ...lines) : null
}

function signedLine(role, quorum, wording) {
  const said = signedSentence(role, quorum, wording)
  if (!said) return null
  return element('li', { 'data-quorum': role, 'data-met': String(quorum.met) }, icon(quorum.met ? 'passed' : 'notice'), element('span', {}, said))
}

/** The tree of a quorum: each member with its signature's time, groups with theirs below them. */
export function signedTree(quorum, wording) {
  if (!quorum || quorum.of === 0) return null
  return branch(quorum, null, wording)
}

/** The name of a key, which is long and has no spaces: a line may end after a dot. */
export function keyName(name) {
  return element('bdi', {}, ...name.split(/(?<=[./])/).flatMap((part, i) => (i === 0 ? [part] : [element('wbr'), part])))
}

function branch({ members }, above, wording) {
  return element('ul', { class: 'quorum' }, ...members.map((member) => oneMember(member, above, wording)))
}

function oneMember(member, above, wording) {
  const name = called(member)
  const what = [name === above ? null : keyName(name), element('span', { class: 'soft' }, told(member, wording))]
  return element(
    'li',
    { 'data-member': member.key || member.name, 'data-met': String(member.met) },
    icon(member.met ? 'passed' : 'absent', 'icon step-icon'),
    element('div', {}, ...what.filter(Boolean).flatMap((node, i) => (i === 0 ? [node] : [' ', node])), member.key ? null : branch(member, name, wording)),
  )
}

/** What there is to say of a member: its algorithm and its signature, or how many of its own members have signed. */
function told(member, wording) {
  if (!member.key) {
    const [have, of, needed] = [member.have, member.of, member.needed].map((n) => wording.number(n))
    return wording.ui('groupSigned', { have, of, needed })
  }
  return `${wording.name('algorithms', member.algorithm)} · ${signature(member, wording)}`
}

function signature({ time, met }, wording) {
  if (!time) return wording.ui('notSigned')
  return wording.ui(met ? 'signedAt' : 'signedTooLongAgo', { time: wording.time(time) })
}
