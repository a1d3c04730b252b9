import { lazy, Suspense, useState, type ComponentType } from 'react';

interface LazyPage<Props extends object> {
  /** Draws nothing until its code is there, and from then on the page, at once. */
  readonly Page: ComponentType<Props>;
  /** Fetches its code, before anyone asks for it. */
  readonly preload: () => void;
}

/** A page whose code is not fetched with the app. */
export function lazyPage<Props extends object>(load: () => Promise<ComponentType<Props>>): LazyPage<Props> {
  let loaded: ComponentType<Props> | null = null;
  const loading = async () => {
    loaded ??= await load();
    return { default: loaded };
  };
  const Page = (props: Props) => {
    // React's `lazy` draws the placeholder even for code that is there already. Where it failed, the next visit tries again.
    const [Content] = useState<ComponentType<Props>>(() => loaded ?? lazy(loading));
    return (
      <Suspense fallback={<div className="page" aria-busy="true" />}>
        <Content {...props} />
      </Suspense>
    );
  };
  // Whoever goes there is told what went wrong.
  return { Page, preload: () => void loading().catch(() => undefined) };
}
