import { Empty } from '../parts/states.tsx';
import { Link } from '../router.tsx';
import { texts } from '../texts.ts';
import { useTitle } from '../title.ts';

/** Hidden and missing look the same. `within` a page that has a heading of its own, this is one below it. */
export function NotFound({ within = false }: { within?: boolean }) {
  useTitle([texts.notFound.title]);
  return (
    <Empty
      title={texts.notFound.title}
      heading={within ? 'h2' : 'h1'}
      action={
        <Link className="button" to="/">
          {texts.notFound.home}
        </Link>
      }
    >
      {texts.notFound.text}
    </Empty>
  );
}
