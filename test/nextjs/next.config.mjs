// Marrow reads scripts, tables and workers from its own files, so it stays outside of the bundle.
// oxlint-disable-next-line import/no-default-export -- Next.js reads its configuration so
export default { serverExternalPackages: ["marrow"] };
