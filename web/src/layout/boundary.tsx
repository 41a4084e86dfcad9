// What is shown where the page itself broke. A part of it that is loaded when it is opened may be gone, because a newer
// version was put in its place since: that one is loaded then.

import { Component, type ReactNode } from 'react';
import { Empty } from '../parts/states.tsx';
import { texts } from '../texts.ts';

interface Props {
  children: ReactNode;
}

export class Boundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main className="welcome">
        <Empty
          title={texts.broken.title}
          action={
            <button type="button" className="button primary" onClick={() => location.reload()}>
              {texts.broken.reload}
            </button>
          }
        >
          {texts.broken.text}
        </Empty>
      </main>
    );
  }
}
