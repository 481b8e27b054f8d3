import type { Folder } from './revlog.js'

/**
 * What of tsx is used, installed in a folder: its manifest names the module of `tsx/esm/api`, and that has `tsImport`.
 * It erases one type.
 */
export function installLoader(folder: Folder, type: string): void {
  folder.write(
    'node_modules/tsx/package.json',
    '{"name":"tsx","type":"module","exports":{"./package.json":"./package.json","./esm/api":{"import":{"default":"./api.js"}}}}',
  )
  folder.write(
    'node_modules/tsx/api.js',
    `import { readFileSync, writeFileSync } from 'node:fs'
    import { fileURLToPath } from 'node:url'
    import { threadId } from 'node:worker_threads'
    export function tsImport(url, { parentURL }) {
      const file = fileURLToPath(new URL(url, parentURL))
      writeFileSync(file + threadId + '.js', readFileSync(file, 'utf8').replace('${type}', ''))
      return import(url + threadId + '.js')
    }`,
  )
}
