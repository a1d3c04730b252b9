import { Component, type ErrorInfo, type ReactNode } from 'react';

interface Props {
  readonly children: ReactNode;
}

/** Shows what broke instead of an empty page. */
export class ErrorBoundary extends Component<Props, { readonly error: unknown }> {
  override readonly state = { error: null };

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error: error ?? 'unknown' };
  }

  override componentDidCatch(error: unknown, { componentStack }: ErrorInfo): void {
    console.error(error, componentStack);
  }

  override render(): ReactNode {
    const { error }: { readonly error: unknown } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className="notice page" role="alert">
        <h1>This page broke</h1>
        <p>What was recorded is safe. Load the page again; if it breaks again, the line below helps to find out why.</p>
        <pre>{error instanceof Error ? error.message : 'It gives no reason.'}</pre>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          Load again
        </button>
      </div>
    );
  }
}
