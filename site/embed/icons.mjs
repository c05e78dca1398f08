// The portal's symbols, drawn from data: a page that demands Trusted Types reads no markup.

import { icons } from './portal/icons.mjs'

const namespace = 'http://www.w3.org/2000/svg'

/** Makes the sprite that the icons of one shadow tree refer to. */
export function draw({ tag, set = {}, children = [] } = icons) {
  const node = document.createElementNS(namespace, tag)
  for (const [name, value] of Object.entries(set)) node.setAttribute(name, value)
  node.append(...children.map((child) => draw(child)))
  return node
}
