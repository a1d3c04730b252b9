// The layers of docs/architecture.md: main → server → {http, schema} → services → {log, audio, recognition, database}.
const generated = 'src/database/generated';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'services-know-no-transport',
      comment: 'The domain knows nothing of GraphQL, HTTP, the server, or the command line.',
      severity: 'error',
      from: { path: '^src/services/' },
      to: { path: '^(src/(schema|http|cli|server|main|config)|node_modules/(graphql|@pothos|ws|@graphql-yoga))' },
    },
    {
      name: 'lower-layers-know-no-services',
      severity: 'error',
      from: { path: '^src/(log|audio|recognition|database)/' },
      to: { path: '^src/(services|schema|http|cli|server|main|config)' },
    },
    {
      name: 'lower-layers-know-only-formats-of-each-other',
      comment: 'Log, recognition and database stand alone; audio formats are their shared vocabulary.',
      severity: 'error',
      from: { path: '^src/(log|recognition|database)/' },
      to: { path: '^src/(log|recognition|database)/', pathNot: ['^src/$1/'] },
    },
    {
      name: 'audio-stands-alone',
      severity: 'error',
      from: { path: '^src/audio/' },
      to: { path: '^src/', pathNot: '^src/audio/' },
    },
    {
      name: 'transcripts-stand-alone',
      comment: 'They are written by the server and by the command line.',
      severity: 'error',
      from: { path: '^src/transcripts/' },
      to: { path: '^src/', pathNot: '^src/transcripts/' },
    },
    {
      name: 'client-runs-in-browsers',
      comment:
        'The client shares the formats and containers of audio with the server, and needs nothing but WebSockets.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: {
        path: '.',
        pathNot: [
          '^src/client/',
          '^src/audio/((format|chunk-framing)\\.ts$|containers/)',
          '(^|/)node_modules/graphql-ws/',
        ],
      },
    },
    {
      name: 'containers-run-in-browsers',
      comment: 'The client takes them apart as the server does. (Decoding is for the server alone.)',
      severity: 'error',
      from: { path: '^src/audio/containers/' },
      to: { path: '.', pathNot: ['^src/audio/(containers/|[^/]+$)'] },
    },
    {
      name: 'only-the-command-line-uses-the-client',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(client|cli)/'] },
      to: { path: '^src/client/' },
    },
    {
      name: 'the-web-app-knows-only-the-client',
      comment: 'It lives on the public contract: schema.graphql, and the client of this project.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(src|test|bench|scripts)/', pathNot: '^src/client/' },
    },
    {
      name: 'nothing-knows-the-web-app',
      severity: 'error',
      from: { path: '^(src|bench)/' },
      to: { path: '^web/' },
    },
    {
      name: 'http-and-schema-are-neighbours',
      severity: 'error',
      from: { path: '^src/http/' },
      to: { path: '^src/(schema|cli|server|main)' },
    },
    {
      name: 'schema-knows-no-transport',
      severity: 'error',
      from: { path: '^src/schema/' },
      to: { path: '^src/(http|cli|server|main|config)' },
    },
    {
      name: 'only-main-reads-the-settings',
      comment: 'Parts are passed in; src/config.ts is the only reader of the environment.',
      severity: 'error',
      from: { path: '^src/(server|http|schema|services)' },
      to: { path: '^src/config', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-database-and-schema-builder-know-prisma',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/database/', '^src/schema/builder\\.ts$'] },
      to: { path: `^(${generated}|node_modules/@prisma)` },
    },
    {
      name: 'engines-know-only-the-port',
      severity: 'error',
      from: { path: '^src/recognition/(moonshine|scripted)/' },
      to: { path: '^src/(?!audio/)', pathNot: ['^src/recognition/(engine|recogniser)\\.ts$', '^src/recognition/$1/'] },
    },
    {
      name: 'no-orphans-in-src',
      severity: 'error',
      from: { path: '^src/', orphan: true, pathNot: [generated, '\\.d\\.ts$'] },
      to: {},
    },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: generated },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', generated] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
