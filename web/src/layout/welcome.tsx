import { Mark } from '../parts/icons.tsx';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';

/** For somebody who is not signed in: never has been, or no longer is. */
export function Welcome({ wasSignedIn }: { wasSignedIn: boolean }) {
  useTitle([wasSignedIn ? texts.session.endedTitle : texts.session.signIn]);
  const here = location.pathname + location.search;
  const signIn = here === '/' ? '/auth/sign-in' : `/auth/sign-in?returnTo=${encodeURIComponent(here)}`;
  return (
    <main className="welcome">
      <div className="card welcome-card">
        <Mark size={40} />
        <h1>{wasSignedIn ? texts.session.endedTitle : texts.session.welcomeTitle}</h1>
        <p className="quiet">{wasSignedIn ? texts.session.endedText : texts.session.welcomeText}</p>
        <a className="button primary" href={signIn}>
          {texts.session.signIn}
        </a>
      </div>
    </main>
  );
}
