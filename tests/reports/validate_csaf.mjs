// Reads a list of CSAF documents a line and writes, for each, what its schema and the mandatory tests (6.1) find wrong.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const library = createRequire(pathToFileURL(process.argv[2] + '/'))
const load = (part) => import(pathToFileURL(library.resolve('@secvisogram/csaf-validator-lib/' + part)).href)
const [{ csaf_2_0, csaf_2_0_strict }, mandatory, { weaknesses }, { default: validate }] = await Promise.all([
  load('schemaTests.js'), load('mandatoryTests.js'), load('cwe.js'), load('validate.js'),
])

const names = Object.fromEntries(weaknesses.map((each) => [each.id, each.name]))
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  const tests = [csaf_2_0, csaf_2_0_strict, ...(asked.schemaOnly ? [] : Object.values(mandatory))]
  const found = []
  for (const document of asked.documents) {
    const { tests: results } = await validate(tests, document)
    found.push({
      ran: results.map((each) => each.name),
      wrong: results.filter((each) => !each.isValid).map((each) => ({ name: each.name, errors: each.errors })),
    })
  }
  console.log(JSON.stringify({ found, names: asked.weaknesses ? names : {} }))
}
