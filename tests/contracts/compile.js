// Compiles tests/contracts/*.sol to build/contracts/NAME.json: ABI, creation bytecode, method identifiers.
// Does nothing when every output is newer than every source.
'use strict';

const fs = require('fs');
const path = require('path');

const sourceFolder = __dirname;
const outputFolder = path.join(__dirname, '..', '..', 'build', 'contracts');

const modified = (file) => (fs.existsSync(file) ? fs.statSync(file).mtimeMs : 0);
const files = fs.readdirSync(sourceFolder).filter((file) => file.endsWith('.sol'));
const outputOf = (file) => path.join(outputFolder, file.replace(/sol$/, 'json'));

const newestInput = Math.max(
  modified(__filename), ...files.map((file) => modified(path.join(sourceFolder, file))));
if (files.every((file) => modified(outputOf(file)) > newestInput)) process.exit(0);

const input = {
  language: 'Solidity',
  sources: Object.fromEntries(files.map((file) =>
    [file, { content: fs.readFileSync(path.join(sourceFolder, file), 'utf8') }])),
  settings: {
    evmVersion: 'cancun',
    viaIR: true, // the nested calldata structs need more stack than the old pipeline has
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.methodIdentifiers'] } },
  },
};
const result = JSON.parse(require('solc').compile(JSON.stringify(input)));
const problems = result.errors ?? [];
for (const problem of problems) process.stderr.write(problem.formattedMessage);
if (problems.length > 0) process.exit(1);

fs.mkdirSync(outputFolder, { recursive: true });
for (const file of files) {
  const contract = result.contracts[file][path.basename(file, '.sol')];
  const text = JSON.stringify({
    abi: contract.abi,
    bytecode: '0x' + contract.evm.bytecode.object,
    methodIdentifiers: contract.evm.methodIdentifiers,
  }, null, 1);
  const partial = `${outputOf(file)}.${process.pid}`;
  fs.writeFileSync(partial, text + '\n');
  fs.renameSync(partial, outputOf(file)); // whole or not at all, also with two compilers at once
}
