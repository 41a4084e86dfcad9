import { Empty } from '../../parts/states.tsx';
import { texts } from '../../texts.ts';

export default function EvidenceTab() {
  return <Empty title={texts.placeholder.title('Evidence')}>{texts.placeholder.text}</Empty>;
}
