// What is shown where the page itself broke. A part of it that is loaded when it is opened may be gone, because the server
// is away, or because a newer version was put in its place since: that one is loaded then.

import { Component, type ReactNode } from 'react';
import { Empty } from '../parts/states.tsx';
import { texts } from '../texts.ts';

interface Props {
  children: ReactNode;
  /** Tries what is inside once more; without it this is all that there is of the page. */
  again?: () => void;
}

export class Boundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    const { again } = this.props;
    const reload = (
      <button type="button" className={again ? 'button' : 'button primary'} onClick={() => location.reload()}>
        {texts.broken.reload}
      </button>
    );
    if (!again)
      return (
        <main className="welcome">
          <Empty title={texts.broken.title} action={reload}>
            {texts.broken.text}
          </Empty>
        </main>
      );
    return (
      <div className="card" role="alert">
        <Empty
          title={texts.broken.part}
          action={
            <span className="broken-ways">
              <button type="button" className="button primary" onClick={again}>
                {texts.common.retry}
              </button>
              {reload}
            </span>
          }
        >
          {texts.broken.partText}
        </Empty>
      </div>
    );
  }
}
