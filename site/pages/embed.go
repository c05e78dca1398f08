package pages

// The examples of the package for others' pages. The tests of the package hold that they work.

const packageCommands = `stele npm -o stele-verify
npm pack ./stele-verify`

const embedExample = `<script type="module" src="/stele-verify/element.js"></script>
<stele-verify portal="ADDRESS" trust="/registry.trust"></stele-verify>`

const embedEvent = `document.addEventListener('stele-verdict', ({ detail }) => console.log(detail.name, detail.verdict, detail.report.issuer_title))`

const embedPolicy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; connect-src 'self' ADDRESS; require-trusted-types-for 'script'; trusted-types stele-verify`

const moduleExample = `import { createVerifier } from 'stele-verify'
const verifier = await createVerifier({ trust, portal: 'ADDRESS' })
const { verdict, report, receipt } = await verifier.check(file)`
