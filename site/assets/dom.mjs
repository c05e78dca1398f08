// The few things that the page does to its document. Everything foreign (file
// names, issuers' words) goes in as text, never as markup.

const svgNamespace = 'http://www.w3.org/2000/svg'

/**
 * Makes an element. A null attribute or child is left out.
 * @param {string} tag
 * @param {Object<string, string|null>} attributes
 * @param {...(Node|string|null)} children
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value)
  }
  node.append(...children.filter((child) => child !== null && child !== undefined))
  return node
}

/** Makes an icon that shows one of the page's symbols. */
export function icon(name, className = 'icon') {
  const svg = document.createElementNS(svgNamespace, 'svg')
  svg.setAttribute('class', className)
  svg.setAttribute('aria-hidden', 'true')
  svg.setAttribute('focusable', 'false')
  const use = document.createElementNS(svgNamespace, 'use')
  use.setAttribute('href', `#icon-${name}`)
  svg.append(use)
  return svg
}

/** Collects the parts of a copied template by their data-slot. */
export function slots(node) {
  const found = {}
  for (const part of node.querySelectorAll('[data-slot]')) found[part.dataset.slot] = part
  return found
}

/** Makes a button; its accessible name says which file it is for. */
export function button(label, name, className, action) {
  const node = element(
    'button',
    { type: 'button', class: `button small ${className}`, 'aria-label': name },
    label,
  )
  node.addEventListener('click', action)
  return node
}

/** Hands the reader a file that was made here. */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = element('a', { href: url, download: name, hidden: '' })
  document.body.append(link)
  link.click()
  link.remove()
  // The browser may begin to read after click() has returned.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

// What could make a name look like another one: controls, and marks that turn
// the direction of writing (FORMAT.md, section 2).
const deceptive = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Makes a foreign text safe to show: hidden characters become visible boxes. */
export function visible(text) {
  return text.replace(deceptive, '\u25af')
}

/** As visible, for a text of several lines. */
export function visibleLines(text) {
  return text.split('\n').map(visible).join('\n')
}
