declare module "*.css";
declare module "*.graphql" {
  const text: string;
  export default text;
}
declare module "*.svg" {
  const address: string;
  export default address;
}

/** Put in by build.mjs: where each of Monaco's workers lies. */
declare const WORKER_ADDRESSES: Readonly<Record<"editor" | "graphql" | "json", string>>;
