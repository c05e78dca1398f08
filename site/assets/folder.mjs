// A copy of what a registry publishes, in a folder that the reader has chosen or dropped: a portal's public folder, or a mirror's. Files
// are read when they are asked for, one at a time, so that a copy of any size will do.

// Where what is published may lie below the folder that was given: it was given itself, or its parent.
const places = ['', 'public/']
const mark = 'ledger/head'

/**
 * @typedef {object} Copy
 * @property {string} name of the folder
 * @property {(path: string) => Promise<File|null>} open null where there is no such file; rejects where it cannot be read
 */

/**
 * Finds the copy in a list of files, as a file input for folders gives it.
 * @returns {Copy|null}
 */
export function copyInList(files) {
  const byPath = new Map()
  let root = null
  for (const file of files) {
    const path = file.webkitRelativePath
    byPath.set(path, file)
    const above = path.endsWith(`/${mark}`) ? path.slice(0, -mark.length) : null
    if (above !== null && isPlace(above) && (root === null || above.length < root.length)) root = above
  }
  if (root === null) return null
  return { name: root.split('/')[0], open: async (path) => byPath.get(root + path) ?? null }
}

/** Whether a path is that of the chosen folder with one of the places in it. */
function isPlace(path) {
  return places.includes(path.slice(path.indexOf('/') + 1))
}

/**
 * Finds the copy in a dropped folder.
 * @param {{name: string, find: (path: string) => Promise<File|null>}} folder
 * @returns {Promise<Copy|null>}
 */
export async function copyInFolder(folder) {
  for (const place of places) {
    if (await folder.find(place + mark).catch(() => null)) return { name: folder.name, open: (path) => folder.find(place + path) }
  }
  return null
}

const isAbsent = (error) => ['NotFoundError', 'TypeMismatchError'].includes(error?.name)

/** A folder by the File and Directory Entries API. */
export function entryFolder(entry) {
  const find = (path) =>
    new Promise((resolve, reject) => {
      const failed = (error) => (isAbsent(error) ? resolve(null) : reject(error))
      entry.getFile(path, {}, (file) => file.file(resolve, failed), failed)
    })
  return { name: entry.name, find }
}

/** A folder by the File System API. */
export function handleFolder(handle) {
  const find = async (path) => {
    try {
      const names = path.split('/')
      const last = names.pop()
      let folder = handle
      for (const name of names) folder = await folder.getDirectoryHandle(name)
      return await (await folder.getFileHandle(last)).getFile()
    } catch (error) {
      if (isAbsent(error)) return null
      throw error
    }
  }
  return { name: handle.name, find }
}
