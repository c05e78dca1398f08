// What a page makes of the element's answers is its own affair. They are text: file names and issuers' words are foreign.

import '../element.mjs'

const told = document.querySelector('#told')

document.addEventListener('stele-verdict', ({ detail: { name, verdict, report } }) => {
  told.textContent = verdict === 'authentic' ? `${name}: a document of ${report.issuer_title}.` : `${name}: ${verdict}.`
})
document.addEventListener('stele-failure', ({ detail: { error } }) => {
  told.textContent = `Nothing was checked (${error.code}).`
})
