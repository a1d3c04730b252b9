import { TriangleAlertIcon } from 'lucide-react';
import type { ReactNode } from 'react';

interface ProblemCardProps {
  readonly title: string;
  readonly advice: string;
  readonly children?: ReactNode;
}

/** What is wrong, and what to do about it. */
export function ProblemCard({ title, advice, children }: ProblemCardProps) {
  return (
    <div className="problem" role="alert">
      <TriangleAlertIcon aria-hidden size={20} />
      <div>
        <strong>{title}</strong>
        <p>{advice}</p>
        {children}
      </div>
    </div>
  );
}
