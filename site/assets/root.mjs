// Where the portal's root is: pages in other languages than English lie in folders below it, and what is published lies beside the English ones.

export const root = new URL(document.documentElement.dataset.root || './', document.baseURI)
