import { Empty } from '../parts/states.tsx';
import { Link } from '../router.tsx';
import { texts } from '../texts.ts';

/** Hidden and missing look the same. */
export function NotFound() {
  return (
    <Empty
      title={texts.notFound.title}
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
